{
  greeting = "Welcome to cedar, the file server.";
  services = [
    "files"
    "backup"
  ];
}
