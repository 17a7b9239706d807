"""What a simulated schedule was worth: figures, and a page to look at."""
