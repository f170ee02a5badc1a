"""Django's own lists of users and groups, with parameters that are checked like those of every other list."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from core.admin.lookups import CheckedLookups

admin.site.unregister([User, Group])


@admin.register(User)
class CheckedUserAdmin(CheckedLookups, UserAdmin):  # pyright: ignore[reportMissingTypeArgument]  # not at run time
    """Who may log in."""


@admin.register(Group)
class CheckedGroupAdmin(CheckedLookups, GroupAdmin):
    """What groups of users may do."""
