"""Starting the MD engines, and label sources that run in them."""
