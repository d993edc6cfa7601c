"""Backups of a store: an encrypted file that is made while the program runs, and a store made of it again."""
