"""What a closer look at the machine itself finds: imported only where the first one, at a file or two, is strange."""
