return "scm"
