"""What goes wrong only now and then, tried often enough to be seen."""
