"""What logs say: records of any platform, the exceptions in them, crash loops, and the story of what happened."""
