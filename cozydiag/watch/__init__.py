"""What happens when nobody looks: history, what changed, who is told and when, known problems, the timer."""
