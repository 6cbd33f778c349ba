exports.isatty = () => false;
