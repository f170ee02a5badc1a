"""URLs of the project. All pages are part of the admin."""

from django.conf import settings
from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from config.login import LogInForm

admin.autodiscover()
admin.site.login_form, admin.site.login_template = LogInForm, "config/log_in.html"
if settings.DEMO:
    admin.site.site_header = f"{admin.site.site_header} (sample community)"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
]
