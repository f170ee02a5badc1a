"""Formats of dates and times in the admin. Django uses these formats instead of those in the settings.

https://docs.djangoproject.com/en/5.2/ref/settings/#format-module-path
"""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i \\U\\T\\C"
