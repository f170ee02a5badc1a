"""Pages of the admin in addition to the lists of rows. ``site`` registers these pages."""
