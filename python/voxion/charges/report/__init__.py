"""Pages and figures about models of charges."""
