"""Sample programs for the type checker: it must accept one program and refuse the other."""
