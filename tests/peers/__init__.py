"""Worlds and clients from outside."""
