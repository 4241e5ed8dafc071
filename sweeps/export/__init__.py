"""The networks of the front as files for a device, proved to answer as they were judged."""
