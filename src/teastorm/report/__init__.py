"""report.html and junit.xml from a judged run."""
