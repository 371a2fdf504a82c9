"""Other people's servers, each started as its makers would for speed, measured beside ours."""
