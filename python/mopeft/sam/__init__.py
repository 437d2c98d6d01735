"""SAM: its parts, and base models of files and of other libraries."""
