"""Every fault that rules cure, in every dialect that rules are written in: cured, and uncured."""
