# A stand-in for the part of the nixpkgs library that our modules use, so that
# they can be evaluated where nixpkgs is not.  tests/nix compares it with the
# real library when NIXFLEET_NIXPKGS_LIB names one.
let
  inherit (builtins)
    all
    attrNames
    concatLists
    elem
    elemAt
    filter
    foldl'
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    length
    listToAttrs
    mapAttrs
    match
    removeAttrs
    replaceStrings
    sort
    split
    stringLength
    substring
    tail
    toJSON
    ;

  # ---- lists, sets, strings ----

  filterAttrs =
    keep: set:
    listToAttrs (
      map (name: {
        inherit name;
        value = set.${name};
      }) (filter (name: keep name set.${name}) (attrNames set))
    );
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  optional = cond: value: if cond then [ value ] else [ ];
  optionals = cond: values: if cond then values else [ ];
  optionalAttrs = cond: set: if cond then set else { };
  optionalString = cond: text: if cond then text else "";
  last = list: elemAt list (length list - 1);
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    stringLength text >= stringLength suffix
    && substring (stringLength text - stringLength suffix) (-1) text == suffix;
  concatStringsSep = builtins.concatStringsSep;
  splitString =
    sep: text: filter isString (split (replaceStrings [ "." "/" "+" ] [ "\\." "/" "\\+" ] sep) text);
  escapeShellArg =
    arg:
    let
      text = toString arg;
    in
    if match "[[:alnum:],._+:@%/-]+" text != null then
      text
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";
  toInt = text: builtins.fromJSON text;
  removePrefix =
    prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  fileContents = file: replaceStrings [ "\n" ] [ "" ] (builtins.readFile file);

  recursiveUpdate =
    a: b:
    if isAttrs a && isAttrs b then
      a // mapAttrs (name: value: if a ? ${name} then recursiveUpdate a.${name} value else value) b
    else
      b;

  # ---- types ----

  phrase = t: if t.composed or false then "(${t.description})" else t.description;

  simple = description: check: {
    inherit description check;
    merge = path: values: one path values;
  };

  one =
    path: values:
    if all (v: v == head values) (tail values) then
      head values
    else
      throw "The option `${path}' has conflicting definition values";

  types = {
    bool = simple "boolean" isBool;
    str = simple "string" isString;
    path = simple "absolute path" (v: hasPrefix "/" (toString v));
    package = simple "package" (v: isAttrs v || hasPrefix builtins.storeDir (toString v));
    lines = {
      description = "strings concatenated with \"\\n\"";
      check = isString;
      merge = _: concatStringsSep "\n";
    };
    anything = {
      description = "anything";
      check = _: true;
      merge =
        path: values:
        if all isAttrs values then
          foldl' recursiveUpdate { } values
        else if all isList values then
          concatLists values
        else
          one path values;
    };
    strMatching =
      pattern: simple "string matching the pattern ${pattern}" (v: isString v && match pattern v != null);
    ints.between =
      low: high:
      simple "integer between ${toString low} and ${toString high} (both inclusive)" (
        v: isInt v && v >= low && v <= high
      );
    enum =
      values:
      simple "one of ${concatStringsSep ", " (map toJSON values)}" (v: elem v values)
      // {
        composed = true;
      };
    nullOr = t: {
      description = "null or ${phrase t}";
      composed = true;
      check = v: v == null || t.check v;
      merge = path: values: if all (v: v == null) values then null else t.merge path values;
    };
    listOf = t: {
      description = "list of ${phrase t}";
      composed = true;
      check = v: isList v && all t.check v;
      merge = _: concatLists;
    };
    attrsOf = t: {
      description = "attribute set of ${phrase t}";
      composed = true;
      check = v: isAttrs v && all t.check (map (name: v.${name}) (attrNames v));
      merge =
        path: values:
        listToAttrs (
          map (name: {
            inherit name;
            value = t.merge "${path}.${name}" (map (v: v.${name}) (filter (v: v ? ${name}) values));
          }) (unique (concatLists (map attrNames values)))
        );
    };
  };

  # ---- options and modules ----

  mkOption = attrs: attrs // { _type = "option"; };
  literalExpression = text: {
    _type = "literalExpression";
    inherit text;
  };
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  isType = type: value: isAttrs value && (value._type or null) == type;

  # One definition → those that count, with their priorities.
  discharge =
    value:
    if isType "if" value then
      optionals value.condition (discharge value.content)
    else if isType "merge" value then
      concatLists (map discharge value.contents)
    else if isType "override" value then
      map (v: v // { inherit (value) priority; }) (discharge value.content)
    else
      [
        {
          inherit value;
          priority = 100;
        }
      ];

  # mkIf around a set of options is an mkIf around each.
  pushDown =
    config:
    if isType "if" config then
      concatLists (
        map (c: [ (mapAttrs (_: value: mkIf config.condition value) c) ]) (pushDown config.content)
      )
    else if isType "merge" config then
      concatLists (map pushDown config.contents)
    else
      [ config ];

  finish =
    path: option: definitions:
    let
      all' =
        definitions
        ++ optional (option ? default) {
          value = option.default;
          priority = 1500;
        };
      strongest = foldl' (p: d: if d.priority < p then d.priority else p) 9999 all';
      values = map (d: d.value) (filter (d: d.priority == strongest) all');
      wrong = filter (v: !option.type.check v) values;
    in
    if values == [ ] then
      throw "The option `${path}' was accessed but has no value defined. Try setting the option."
    else if wrong != [ ] then
      throw "A definition for option `${path}' is not of type `${option.type.description}'."
    else
      option.type.merge path values;

  evalTree =
    path: options: configs:
    let
      sub = if path == "" then (name: name) else (name: "${path}.${name}");
      unknown = filter (name: !(options ? ${name})) (concatLists (map attrNames configs));
    in
    if unknown != [ ] then
      throw "The option `${sub (head unknown)}' does not exist."
    else
      mapAttrs (
        name: option:
        let
          here = map (c: c.${name}) (filter (c: c ? ${name}) configs);
        in
        if isType "option" option then
          finish (sub name) option (concatLists (map discharge here))
        else
          evalTree (sub name) option (concatLists (map pushDown here))
      ) options;

  evalModules =
    {
      modules,
      specialArgs ? { },
    }:
    let
      load =
        module:
        let
          plain = if isFunction module || isAttrs module then module else import module;
          value = if isFunction plain then plain args else plain;
          structured = value ? config || value ? options || value ? imports;
        in
        concatLists (map load (value.imports or [ ]))
        ++ [
          {
            options = value.options or { };
            config =
              if structured then
                value.config or { }
              else
                removeAttrs value [
                  "_file"
                  "key"
                ];
          }
        ];
      loaded = concatLists (map load modules);
      options = foldl' recursiveUpdate { } (map (m: m.options) loaded);
      config = evalTree "" options (concatLists (map (m: pushDown m.config) loaded));
      args = specialArgs // {
        inherit config options lib;
      };
    in
    {
      inherit config options;
    };

  lib = {
    inherit
      all
      attrNames
      concatLists
      concatStringsSep
      elem
      escapeShellArg
      evalModules
      fileContents
      filter
      filterAttrs
      hasPrefix
      hasSuffix
      head
      last
      literalExpression
      mapAttrs
      mapAttrsToList
      mkIf
      mkMerge
      mkOption
      mkOverride
      optional
      optionalAttrs
      optionalString
      optionals
      recursiveUpdate
      removePrefix
      sort
      splitString
      substring
      toInt
      types
      unique
      ;
    cleanSourceWith = { src, ... }: src;
    fetchers.proxyImpureEnvVars = [ ];
    mesonBool = name: value: "-D${name}=${if value then "true" else "false"}";
    mesonEnable = name: value: "-D${name}=${if value then "enabled" else "disabled"}";
    licenses.mit = "MIT";
    platforms = {
      linux = [ ];
      darwin = [ ];
    };
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    genAttrs =
      names: f:
      listToAttrs (
        map (name: {
          inherit name;
          value = f name;
        }) names
      );
  };
in
lib
