"""Values: their logical kinds, their one form as text, and how one type becomes another."""
