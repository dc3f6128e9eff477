"""A report shown: one file per format. Renderers see nothing but the report."""
