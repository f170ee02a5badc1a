"""Commands that are stopped by a signal at any moment, and one clean run after each: is the end state the same?

    python -m bench.signals [--seed 1] [--moments 20] [COMMAND ...]

For each command that writes, an undisturbed run gives the expected end state and the time that it takes. Then SIGKILL,
SIGTERM and SIGINT arrive at seeded moments between half of the start-up time and the end of the undisturbed run, each
in a copy of the same database. SIGTERM and SIGINT have to end the command within 10 seconds with one line, without a
traceback and with the exit code of the signal. Then the command runs once more, undisturbed.

Everything happens in a temporary folder with a separate embedded server, against the sample servers.
"""
