"""What became of patients: when a form is due, what counts and organ findings mean, what all of it comes to."""
