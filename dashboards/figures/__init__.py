"""The figures of report, live page and print."""
