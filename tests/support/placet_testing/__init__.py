"""What tests share: servers, databases, fakes."""
