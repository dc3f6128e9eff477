"""The real managers of services, each with a service in every state that it can have."""
