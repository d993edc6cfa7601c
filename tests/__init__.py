"""Tests; they mirror the packages, with browser and messages beside them."""
