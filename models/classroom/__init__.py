"""What screens of classes and pupils read: class data, signals, groups, goals, notes."""
