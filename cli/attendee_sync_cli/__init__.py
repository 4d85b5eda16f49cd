"""The operator's command line: attendee-sync."""
