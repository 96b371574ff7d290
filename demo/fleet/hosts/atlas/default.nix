{
  greeting = "Welcome to atlas, the gateway.";
  services = [
    "firewall"
    "proxy"
  ];
}
