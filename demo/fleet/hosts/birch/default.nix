{
  greeting = "Welcome to birch, the build machine.";
  services = [
    "scheduler"
    "cache"
  ];
}
