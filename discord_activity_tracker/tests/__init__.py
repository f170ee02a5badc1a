"""Tests of the Discord tracker."""
