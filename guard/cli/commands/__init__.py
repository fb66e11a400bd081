"""The commands as typer declares them: names, options, help. What they do is imported when they run, so that help stays quick."""
