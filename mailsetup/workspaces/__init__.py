"""Users, workspaces, members; signing in; who may do what."""
