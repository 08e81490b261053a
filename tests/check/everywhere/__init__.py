"""The same networks in every dialect, and the findings that all of them give."""
