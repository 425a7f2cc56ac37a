"""Of IPython, what the chapters' cells ask for: what they show beside their last line."""
