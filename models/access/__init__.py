"""Who looks, and whom they may see."""
