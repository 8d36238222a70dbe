"""IronForge for Django programs: enqueue jobs from a view, run `@task` functions, and test code that does so."""
