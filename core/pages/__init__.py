"""Admin pages in addition to those of Django, such as the timeline and search. ``site`` registers them."""
