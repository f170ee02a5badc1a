"""The pages: everything lives in the admin."""

from django.conf import settings
from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

admin.autodiscover()
if settings.DEMO:
    admin.site.site_header = f"{admin.site.site_header} (sample community)"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
]
