"""The four real reverse proxies of Debian, unpacked and run without root, in front of programs that misbehave."""
