"""Looking at data: its columns, figures, first rows and distributions, as text for a screen."""
