"""A telephone line in a box: scripted telephones, the three servers, provisioning, independent phones."""
