"""The study of docs/study.md: experiments whose rules were fixed before they ran. Each is resumable by its runs' folders."""
