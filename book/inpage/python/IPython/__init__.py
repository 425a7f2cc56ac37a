"""The little of IPython that cells of the book use."""
