"""From what somebody pasted to a class that can be built and called."""
