"""The stand-in for Atlassian's License Service, through which a vendor imports licences of its own."""
