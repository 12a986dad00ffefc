"""Everything of `make run`: the processes of the Procfile, a sandbox and a Valkey on this machine."""
