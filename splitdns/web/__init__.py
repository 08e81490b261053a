"""The page that a person opens: what the server does, tells and finds, for reading."""
