"""What the application is asked while clients come, act and go: by functions of its own, or over HTTP (`http/`)."""
