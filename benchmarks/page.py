def write(r): print(list(r))
